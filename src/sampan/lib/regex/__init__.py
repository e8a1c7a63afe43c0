"""Regular expressions as Go knows them, in time that grows with the text and no faster."""
