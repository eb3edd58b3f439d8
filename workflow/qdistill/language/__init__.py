"""The same inside a frozen masked language model: adapters, measured by its diffusion bound."""
