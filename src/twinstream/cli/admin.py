"""`twinstream admin`: what the operator sets up. A group of commands for each noun, each in a module of its own.

Owns the list of nouns. Knows neither what their commands do nor who answers them (`cli/operator.py`).
"""

from __future__ import annotations

from cyclopts import App

from twinstream.cli import admin_application, admin_device, admin_oem, admin_subscription, admin_template, admin_user

NOUNS = (admin_oem, admin_application, admin_user, admin_template, admin_device, admin_subscription)

EXAMPLES = """\
A running server does it; where none runs on the data folder, the command opens
the folder itself.

Examples, from an empty folder to a user and a device:

  twinstream admin oem add 'Example Appliances' --id 0dfc7900
  twinstream admin app add 0dfc7900 'Example for Android'
  twinstream admin user add 0dfc7900 ada@example.com
  twinstream admin device add 0dfc7900 AC000W000340649 --model ledevb \\
    --property Blue_LED:boolean:input"""


def add_admin_commands(app: App) -> None:
    """Register `admin` and its groups."""
    admin = App(name="admin", help="Set up OEMs, applications, users, devices.", help_epilogue=EXAMPLES)
    for noun in NOUNS:
        admin.command(noun.make_app())
    app.command(admin)
