"""Better prompts without supervision: which texts make a model propose much that is new and compiles; no solver runs.

After AutoModSAT (Sun et al. 2025, arXiv:2507.22876); the local search is after ZOPO (Hu et al. 2024, arXiv:2403.02993).
"""
