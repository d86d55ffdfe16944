"""Settings, read from VOIPADMIN_* and DATABASE_URL; docs/settings.md lists them all."""

import os
from pathlib import Path

from voipadmin.env import database, flag, mapping, secret_key, single_sign_on

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("VOIPADMIN_DATA_DIR", BASE_DIR / "var"))

DEBUG = flag("VOIPADMIN_DEBUG")
SECRET_KEY = secret_key(DATA_DIR)
ALLOWED_HOSTS = os.environ.get("VOIPADMIN_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = list(
    filter(None, os.environ.get("VOIPADMIN_TRUSTED_ORIGINS", "").split(","))
)

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",  # urls.py discovers: only pages need it
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "netfields",
    "django_htmx",
    "django_filters",
    "django_q",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "voipadmin",
    "voipadmin.accounts",
    "inventory",
    "provisioning",
    "monitoring",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "voipadmin.accounts.middleware.SecondFactorMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "voipadmin.urls"
WSGI_APPLICATION = "voipadmin.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "inventory.permits.perms",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {"default": database(DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Django's permissions, and the levels that are granted per cluster.
AUTHENTICATION_BACKENDS = ["inventory.access.ClusterBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "inventory:cluster-list"
LOGOUT_REDIRECT_URL = "login"

# How many proxies stand in front, whose word is taken for where a request comes from.
PROXIES = int(os.environ.get("VOIPADMIN_PROXIES", "0"))
ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES
ACCOUNT_ADAPTER = "voipadmin.accounts.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
# Addresses are for notices: nobody signs in by them, and they prove nothing.
ACCOUNT_UNIQUE_EMAIL = False
ACCOUNT_SESSION_REMEMBER = False
# Wrong passwords: ten a minute from an address, five in five minutes for a name.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
ACCOUNT_FORMS = {
    "login": "voipadmin.accounts.forms.SignInForm",
    "reauthenticate": "voipadmin.accounts.forms.ConfirmForm",
    "change_password": "voipadmin.accounts.forms.PasswordForm",
    "set_password": "voipadmin.accounts.forms.FirstPasswordForm",
}
MFA_ADAPTER = "voipadmin.accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "voipadmin"
MFA_TOTP_TOLERANCE = 1
# Nobody proves an address here; a second factor is the safer for it.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# Without TLS browsers offer security keys to localhost alone.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not flag("VOIPADMIN_HTTPS")
MFA_FORMS = {
    "authenticate": "voipadmin.accounts.forms.CodeForm",
    "reauthenticate": "voipadmin.accounts.forms.ConfirmCodeForm",
    "activate_totp": "voipadmin.accounts.forms.AppForm",
    "deactivate_totp": "voipadmin.accounts.forms.NoAppForm",
    "add_webauthn": "voipadmin.accounts.forms.KeyForm",
    "edit_webauthn": "voipadmin.accounts.forms.KeyNameForm",
    "generate_recovery_codes": "voipadmin.accounts.forms.RecoveryForm",
}
SOCIALACCOUNT_ADAPTER = "voipadmin.accounts.adapters.SingleSignOnAdapter"
SOCIALACCOUNT_FORMS = {"signup": "voipadmin.accounts.forms.SingleSignUpForm"}
SOCIALACCOUNT_PROVIDERS = {"openid_connect": single_sign_on()}
# Whoever holds a proven address at the provider is taken for the user who has it here.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = flag("VOIPADMIN_OIDC_LINK_VERIFIED_EMAIL")
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = SOCIALACCOUNT_EMAIL_AUTHENTICATION

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = Path(os.environ.get("VOIPADMIN_STATIC_ROOT", BASE_DIR / "staticfiles"))
_PACKAGES = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("vendor/bootstrap", _PACKAGES / "bootstrap/dist"),
    ("vendor/bootstrap-icons", _PACKAGES / "bootstrap-icons/font"),
    ("vendor/htmx", _PACKAGES / "htmx.org/dist"),
    ("vendor/uplot", _PACKAGES / "uplot/dist"),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "voipadmin.accounts.authentication.FactorTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "voipadmin.api.Pagination",
    "DEFAULT_FILTER_BACKENDS": [
        "voipadmin.api.KnownFilters",
        "voipadmin.api.KnownOrdering",
    ],
    "DEFAULT_PARSER_CLASSES": ["voipadmin.parsers.StorableJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "NUM_PROXIES": PROXIES,
    "EXCEPTION_HANDLER": "voipadmin.api.problem_response",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "voipadmin",
    "DESCRIPTION": "Clusters, containers, nodes, roles, runs and metrics of telephony platforms.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "voipadmin.api.add_problems",
    ],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        name: f"inventory.states.{name}"
        for name in (
            "ClusterKind",
            "ClusterState",
            "NetworkKind",
            "ContainerState",
            "DiskKind",
            "CredentialKind",
            "AssignmentState",
        )
    }
    | {
        name: f"provisioning.states.{name}"
        for name in ("RunKind", "RunStatus", "StepStatus", "Outcome", "PreflightStatus")
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# Sign-in counts wrong passwords in the first, which all processes must see: the database has it.
# Files, because the supervisor reads from outside when django-q2 last wrote its state.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "voipadmin_cache",
    },
    "worker": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": DATA_DIR / "heartbeat/worker",
    },
}

# `retry` runs from the moment a task is taken off the queue: it must exceed the wait in the
# local queue plus the longest task, or a task is started twice.
Q_CLUSTER = {
    "name": "voipadmin",
    "orm": "default",
    "workers": int(os.environ.get("VOIPADMIN_WORKERS", "2")),
    "queue_limit": 2,
    "timeout": 900,
    "retry": 1900,
    "poll": 0.2,
    "save_limit": 250,
    "max_attempts": 3,
    "catch_up": False,
    "cache": "worker",
    # A worker that ends, for whatever reason, makes the supervisor restart all of them.
    "recycle": 1_000_000,
    "label": "Task queue",
}
if redis_url := os.environ.get("VOIPADMIN_REDIS_URL"):
    Q_CLUSTER = {**Q_CLUSTER, "redis": redis_url}
    del Q_CLUSTER["orm"]

# A task may wait that long while a worker is idle; then the queue's processes are started anew.
TASK_WAITS_S = float(os.environ.get("VOIPADMIN_TASK_WAITS_S", "20"))
# Times of the engine that differ from provisioning/engine/pace.py.
RUN_PACE = mapping("VOIPADMIN_RUN_PACE")

# Notices by e-mail; without a server none is sent.
PORTAL_URL = os.environ.get("VOIPADMIN_URL", "")
EMAIL_HOST = os.environ.get("VOIPADMIN_EMAIL_HOST", "")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'dummy'}.EmailBackend"
EMAIL_PORT = int(os.environ.get("VOIPADMIN_EMAIL_PORT", "587"))
EMAIL_HOST_USER = os.environ.get("VOIPADMIN_EMAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("VOIPADMIN_EMAIL_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("VOIPADMIN_EMAIL_TLS", "1") == "1"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("VOIPADMIN_EMAIL_FROM", "voipadmin@localhost")

# How long the history of runs is kept; 0: for ever.
RUN_LOG_RETENTION_DAYS = int(os.environ.get("VOIPADMIN_RUN_LOG_RETENTION_DAYS", "400"))
RUN_RETENTION_DAYS = int(os.environ.get("VOIPADMIN_RUN_RETENTION_DAYS", "0"))

# What /healthz and the operations page show: functions that return voipadmin.vitals.Vital.
VITALS = ["provisioning.vitals.vitals", "monitoring.vitals.vitals"]

SECRET_KEYS_FILE = DATA_DIR / "secret-keys"
RUNBOOK_DIRS = [Path(p) for p in os.environ.get("VOIPADMIN_RUNBOOK_DIRS", "").split(":") if p]
PLATFORM_DIRS = [Path(p) for p in os.environ.get("VOIPADMIN_PLATFORM_DIRS", "").split(":") if p]

# SSH: how long a host may take to be reached, to let us in, to carry out a command.
SSH_CONNECT_TIMEOUT_S = float(os.environ.get("VOIPADMIN_SSH_CONNECT_TIMEOUT_S", "10"))
SSH_READ_TIMEOUT_S = float(os.environ.get("VOIPADMIN_SSH_READ_TIMEOUT_S", "15"))
SSH_COMMAND_TIMEOUT_S = float(os.environ.get("VOIPADMIN_SSH_COMMAND_TIMEOUT_S", "30"))

# Monitoring: how often hosts are visited, and how long samples and rollups are kept.
COLLECT_INTERVAL_S = float(os.environ.get("VOIPADMIN_COLLECT_INTERVAL_S", "60"))
COLLECT_THREADS = int(os.environ.get("VOIPADMIN_COLLECT_THREADS", "16"))
RAW_RETENTION_DAYS = int(os.environ.get("VOIPADMIN_RAW_RETENTION_DAYS", "14"))
HOURLY_RETENTION_DAYS = int(os.environ.get("VOIPADMIN_HOURLY_RETENTION_DAYS", "400"))
DAILY_RETENTION_DAYS = int(os.environ.get("VOIPADMIN_DAILY_RETENTION_DAYS", "1830"))

# Behind a TLS-terminating proxy: VOIPADMIN_HTTPS=1 makes cookies secure and redirects.
if flag("VOIPADMIN_HTTPS"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("VOIPADMIN_LOG_LEVEL", "INFO")},
    "loggers": {"paramiko": {"level": "WARNING"}},
}
