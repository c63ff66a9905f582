"""The routing script: lexer, parser, checker, compiler."""
