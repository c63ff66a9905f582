"""The daemon, with sample workers and a sample check in place of the real ones."""
import sys

from opensips_py.server import checking, daemon, processes

checking.PROGRAM = "tests.server.sample_check"
processes.WORKER = processes.MANAGEMENT = "tests.server.sample_worker"
sys.exit(daemon.main(sys.argv[1:]))
