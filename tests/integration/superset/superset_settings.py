"""Settings of the Superset that is tested: SQLite, no limits, users by API, embedding and reports switched on."""

import os

SECRET_KEY = "an invented key for the tests only, and long enough"
SQLALCHEMY_DATABASE_URI = f"sqlite:///{os.environ['SUPERSET_HOME']}/superset.db?check_same_thread=false"
SQLALCHEMY_TRACK_MODIFICATIONS = False
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
PREVENT_UNSAFE_DB_CONNECTIONS = False
RATELIMIT_ENABLED = False
AUTH_RATE_LIMITED = False
FAB_ADD_SECURITY_API = True
FEATURE_FLAGS = {"EMBEDDED_SUPERSET": True, "ALERT_REPORTS": True, "ENABLE_TEMPLATE_PROCESSING": True}
GUEST_ROLE_NAME = "Gamma"
GUEST_TOKEN_JWT_SECRET = "an invented key for guests, for the tests only"
