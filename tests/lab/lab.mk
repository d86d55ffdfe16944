# Real hosts to try the product on (root); included by the Makefile.
.PHONY: lab lab-down lab-test

lab: install ## Bring up real hosts (N=3) and put them into the portal that runs here (root)
	@exec $(BIN)/python -m tests.lab try $(or $(N),3)

lab-down: install ## Remove those hosts with everything they left (root)
	@exec $(BIN)/python -m tests.lab down

lab-test: install ## Do every fault to runs on real hosts and write docs/faults.md (root)
	@exec $(BIN)/python -m tests.lab.faults.record
