"""Files of vectors, in every form that can be read."""

import json

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as parquet

FORMS = [".npy", ".npz", "columns.parquet", "lists.parquet", "fixed.parquet"]
FORMS += ["columns.csv", "json.csv"]


def save_vectors(folder, values, form):
    """Save rows in one of the forms; return the path and the setting ``column`` for it."""
    path = folder / f"vectors{form[form.rindex('.') :]}"
    frame = pd.DataFrame(values, columns=list("abcde")[: values.shape[1]])
    rows = pd.DataFrame({"label": "x", "vector": [row.tolist() for row in values]})
    if form == ".npy":
        np.save(path, values)
        return path, None
    if form == ".npz":
        np.savez(path, other=np.zeros(3), vector=values)
    elif form == "columns.parquet":
        frame.assign(label="x").to_parquet(path)
    elif form == "lists.parquet":
        rows.to_parquet(path)
    elif form == "fixed.parquet":
        lists = arrow.FixedSizeListArray.from_arrays(values.ravel(), values.shape[1])
        parquet.write_table(arrow.table({"vector": lists}), path, row_group_size=7)
    elif form == "columns.csv":
        frame.assign(label="x").to_csv(path, index=False)
    else:
        rows.assign(vector=rows["vector"].map(json.dumps)).to_csv(path, index=False)
    return path, list(frame.columns) if form.startswith("columns") else "vector"
