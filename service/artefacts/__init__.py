"""What is exported through the service: built in processes of their own, and kept under names of their content."""
