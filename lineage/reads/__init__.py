"""What lists, pages and streams show of the store: parts of long lists by keyset, and no more than is shown."""
