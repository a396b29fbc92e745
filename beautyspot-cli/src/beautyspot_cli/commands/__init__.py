"""The commands, a module each: loaded by `beautyspot_cli.program` when a command is named."""
