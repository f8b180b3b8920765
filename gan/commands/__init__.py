"""The commands of ``python -m gan``, a module a group. ``add(commands)`` adds its parsers; ``__main__`` lists the modules.

A parser's default ``run`` does the work: ``run(args)``. Its ``ValueError`` or ``OSError`` becomes one line for the user.
"""
