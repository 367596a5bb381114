"""Families of problems, one file each: what a step rule is judged on."""
