"""What is shown of the store, by the API, the pages and the command line alike: store and arguments in, records out."""
