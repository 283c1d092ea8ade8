"""How sure a score is: intervals clustered by item family, paired comparison, power, agreement of judges, ranking from verdicts."""
