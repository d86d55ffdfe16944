"""The portal's own settings; what steps keep on loopback hosts goes below the data folder."""

from voipadmin.settings import *  # noqa: F403
from voipadmin.settings import DATA_DIR

RUN_PACE = {"base": f"{DATA_DIR}/targets/{{container}}"}
