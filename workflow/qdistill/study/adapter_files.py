"""Names of the files of an adapter, which its format and the workflow's rules share."""

CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.safetensors"
ONNX_FILE, CARD_FILE = "model.onnx", "README.md"
FILES = (CONFIG_FILE, WEIGHTS_FILE, ONNX_FILE, CARD_FILE)
