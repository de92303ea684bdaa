"""What two guests hold in memory compared: page by page, by what the pages belong to."""
