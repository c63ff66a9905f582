"""A check that takes its time."""
import time

if __name__ == "__main__":
    time.sleep(60)
