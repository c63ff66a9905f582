# No types of the core here: this file says that its namesake is compiled.
