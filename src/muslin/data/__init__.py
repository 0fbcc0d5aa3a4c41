"""Pictures in: sources, the dataset doctor, grounds and masks, training sets in memory."""
