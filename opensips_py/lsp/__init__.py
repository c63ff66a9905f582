"""The language server: what editors ask about a configuration. `opensips-py lsp` starts it."""
