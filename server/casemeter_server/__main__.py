"""``python -m casemeter_server`` is the command ``casemeter``."""

from casemeter_server.cli.main import main

main()
