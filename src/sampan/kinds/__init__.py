"""Knowledge, one package per API group: pure decisions that do no I/O and read no clock."""
