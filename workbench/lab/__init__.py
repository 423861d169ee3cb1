"""The room that knows all others: pipelines, the truth meter, and what lessons show."""
