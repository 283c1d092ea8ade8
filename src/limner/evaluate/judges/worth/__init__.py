"""What judges are worth: how well they tell documents with a planted defect from those without, measured."""
