"""Runs rules that nobody trusts: a process of its own for each candidate, in the sandbox, killed when it asks too much.

    this process: Workers.ask  ->  zygote (trusted, in the sandbox, JAX imported)  ->  one copy for each candidate

The zygote costs a second once; a copy costs a fork and keeps its compiled programs from one ask to the next.
"""
