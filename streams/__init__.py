"""The shell: Kafka, Faust, clocks, files and people. Only this package knows them."""
