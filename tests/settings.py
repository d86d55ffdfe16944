"""Settings of the tests: voipadmin's own, on a throwaway database unless DATABASE_URL names one."""

import os

os.environ.setdefault("VOIPADMIN_SECRET_KEY", "only-for-tests-" + "x" * 50)

from tests.throwaway import use_throwaway_data_dir, use_throwaway_database

use_throwaway_data_dir()
use_throwaway_database()

from voipadmin.settings import *  # noqa: E402, F403
from voipadmin.settings import DATA_DIR, STORAGES, TEMPLATES  # noqa: E402

from tests.undefined import FailOnUse  # noqa: E402  # isort: skip

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
# No manifest: a test shall not need collectstatic.
STORAGES = STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
TEMPLATES[0]["OPTIONS"]["string_if_invalid"] = FailOnUse("%s")  # type: ignore[index]
