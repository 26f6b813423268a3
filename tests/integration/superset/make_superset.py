"""Makes a Superset's metadata and its admin, in the environment of Superset: one process, half the time of three."""

import sys
from pathlib import Path

import superset
from flask_migrate import upgrade
from superset.app import create_app

app = create_app()
with app.app_context():
    upgrade(directory=str(Path(superset.__file__).parent / "migrations"))
    from superset.extensions import appbuilder, security_manager

    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()
    admin = ("admin", "Data", "Team", "data-team@example.com", security_manager.find_role("Admin"))
    if not security_manager.find_user("admin") and not security_manager.add_user(*admin, password=sys.argv[1]):
        sys.exit("there is no admin")
