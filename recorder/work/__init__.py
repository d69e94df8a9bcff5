"""What jobs do, each in a child process: files made out of a recording."""
