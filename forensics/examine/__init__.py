"""The examination from end to end, and what its children do: begin with `pipeline`."""
