"""Django's settings. Importing them starts nothing and needs no database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import django_stubs_ext
from django.utils.translation import gettext_lazy as _

from tierwise.config.runtime import Runtime, public_address
from tierwise.directory.entrance import access_path, read_access
from tierwise.kernel.zones import Login

django_stubs_ext.monkeypatch()

RUNTIME = Runtime.from_environment()
TIERWISE_HOME = RUNTIME.home
TIERWISE_LAKE = RUNTIME.lake
TIERWISE_COMPUTE = os.environ.get("TIERWISE_COMPUTE", "")
# Kept out of backups: a restore must not bring back people who were erased since.
TIERWISE_ERASURES = os.environ.get("TIERWISE_ERASURES", "")

TIERWISE_API_RATE = RUNTIME.api_rate

SECRET_KEY = RUNTIME.secret
DEBUG = os.environ.get("TIERWISE_DEBUG") == "1"
_pages = public_address(os.environ.get("TIERWISE_ADDRESS") or "http://127.0.0.1:8000")
TIERWISE_ADDRESS = _pages.geturl()
TIERWISE_PROXIES = os.environ.get("TIERWISE_PROXIES", "127.0.0.1,::1")
ALLOWED_HOSTS = list(dict.fromkeys([str(_pages.hostname), "localhost", "127.0.0.1", "[::1]"]))
CSRF_TRUSTED_ORIGINS = [TIERWISE_ADDRESS]
ROOT_URLCONF = "tierwise.config.urls"
WSGI_APPLICATION = "tierwise.config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "kernel.Account"
# Addresses are unique whatever their case, by a constraint on lower(email) that the check does not see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]

INSTALLED_APPS = [
    "tierwise.web",  # before allauth, whose templates it replaces
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",  # its filters stand in allauth's templates
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
    "allauth.mfa",
    "allauth.usersessions",
    "procrastinate.contrib.django",
    "ninja",
    "tierwise.kernel",
    "tierwise.doors",
    "tierwise.lake",
    "tierwise.directory",
    "tierwise.collaboration.agree",
    "tierwise.collaboration.publish",
    "tierwise.collaboration.resolve",
    "tierwise.modules.performance",
    "tierwise.modules.segmentation",
    "tierwise.modules.exchange",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tierwise.web.middleware.ContentSecurityPolicy",
    "tierwise.web.api.door.ApiDoor",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "tierwise.directory.sessions.LastSeen",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tierwise.web.middleware.ReaderZone",
    "tierwise.web.middleware.ZoneMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tierwise.web.navigation.shell",
            ],
        },
    },
]


# Pages of both sides and sign-in run on the same threads: each login has a pool in each web process.
_POOLED = len(Login) - 2
_POOL = max(2, int(os.environ.get("TIERWISE_CONNECTIONS", "96")) // (_POOLED * RUNTIME.web_processes))


def _database(login: Login) -> dict[str, Any]:
    pool: dict[str, Any] = (
        {"pool": {"min_size": 1, "max_size": _POOL, "timeout": 10}} if login is not Login.OWNER else {}
    )
    if login is Login.GLASS:
        # Seldom used, and by one administrator at a time.
        pool = {"pool": {"min_size": 0, "max_size": 2, "timeout": 10}}
    return {
        "ENGINE": "tierwise.kernel.pooled",
        **RUNTIME.address(login),
        "CONN_MAX_AGE": 0,
        # Django plans every statement anew unless asked; asked, those are kept planned that are sent as `prepared`.
        # Of suppliers, whose pages are small and alike, all are that come for the fifth time: values go beside them.
        "OPTIONS": pool | {"prepare_threshold": 5, "server_side_binding": login is Login.SUPPLIER},
        "TEST": {"MIRROR": None},
    }


DATABASES = {login.alias: _database(login) for login in Login}
DATABASE_ROUTERS = ["tierwise.kernel.viewer.ZoneRouter"]
# The lockout counts failed sign-ins here, so it must be shared by all processes and outlive them.
# Room enough that strangers cannot push other addresses' counts out by trying many.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "sign_in_cache",
        "OPTIONS": {"MAX_ENTRIES": 200_000},
    }
}

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "tierwise.directory.signin.ClosedSignUp"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# The lockout. Five failures cost five minutes, ten within an hour the hour, twenty the day; the same for an address
# nobody signs in with, so that nothing is learned from it. Several people may share the network address.
ACCOUNT_RATE_LIMITS = {
    "login_failed": "5/5m/key,10/1h/key,20/1d/key,20/5m/ip,100/1d/ip",
    "login": "30/m/ip",
    "reset_password": "20/h/ip,5/h/key",
}
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
TIERWISE_ACCESS = read_access(access_path(TIERWISE_HOME))
SOCIALACCOUNT_ADAPTER = "tierwise.directory.providers.InvitedOnly"
SOCIALACCOUNT_PROVIDERS = TIERWISE_ACCESS.allauth()
# A provider's button goes straight to the provider; what it starts is a sign-in, which a stranger gains nothing from.
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_STORE_TOKENS = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "tierwise.directory.signin.Passkeys"
MFA_TOTP_ISSUER = "Tierwise"
EMAIL_BACKEND = os.environ.get("TIERWISE_EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = str(TIERWISE_HOME / "mail")
DEFAULT_FROM_EMAIL = os.environ.get("TIERWISE_EMAIL_FROM", "tierwise@localhost")
# The mailbox to which filled-in spreadsheets are sent back, and the ways its messages reach `tierwise mailroom`.
TIERWISE_MAILBOX = os.environ.get("TIERWISE_MAILBOX", "")
TIERWISE_LMTP = os.environ.get("TIERWISE_LMTP", "")
TIERWISE_IMAP_URL = os.environ.get("TIERWISE_IMAP_URL", "")
TIERWISE_MAIL_AUTHORITY = os.environ.get("TIERWISE_MAIL_AUTHORITY", "")

# Where channels may write and call: folders, and networks that are not public.
EXCHANGE_FOLDERS = os.environ.get("TIERWISE_EXCHANGE_FOLDERS", str(TIERWISE_HOME / "exchange")).split(os.pathsep)
EXCHANGE_NETWORKS = os.environ.get("TIERWISE_EXCHANGE_NETWORKS", "").split(",")

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "jobs"
PROCRASTINATE_DATABASE_ALIAS = Login.WORKER.alias
PROCRASTINATE_WORKER_DEFAULTS = {
    "concurrency": 2,
    "shutdown_graceful_timeout": 20,
    "listen_notify": True,
    "fetch_job_polling_interval": 5,
}

STATIC_URL = "/static/"
STATIC_ROOT = None
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"/assets/.+-[\w-]{8}\.\w+$"
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.AppDirectoriesFinder"]

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German")), ("es", _("Spanish"))]
LOCALE_PATHS = [str(Path(__file__).resolve().parent.parent / "locale")]
USE_TZ = True
TIME_ZONE = "UTC"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "tierwise.web.errors.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _pages.scheme == "https"
# A browser that has seen the pages over HTTPS comes back over nothing else for a year.
SECURE_HSTS_SECONDS = 31_536_000 if _pages.scheme == "https" else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
