"""The subcommands of `printmesh central`, by what they are about; `cli` joins them."""
