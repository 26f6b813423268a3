"""What is sent out: values into goal tools, messages to people. A sink is told what to say and knows nothing else."""
