"""Everything that the ``feast`` command finds here: the views of the chosen workspace.

One view for each version of an encoder, or those of the members of a gym, made by
`workbench.profiles.definitions`; the extract stage applies the same definitions through
`workbench.profiles.features` or `.table_features`, after checking the file.
"""

from __future__ import annotations

from pathlib import Path

from workbench.profiles.definitions import FILE, VIEW, definitions, table_definitions
from workbench.profiles.feast_files import chosen_workspace
from workbench.profiles.feature_checks import check_features, check_table, read_card

WORKSPACE = chosen_workspace(Path(__file__).parent)
MEMBERS = WORKSPACE / "features" / VIEW / FILE

for folder in sorted(path.parent for path in WORKSPACE.glob("features/*/view.json")):
    if folder == MEMBERS.parent:
        continue
    card = read_card(folder)
    check_features(card, folder)
    item, source, view, service = definitions(card, folder / FILE)
    globals().update({source.name: source, view.name: view, service.name: service})  # where Feast looks

if MEMBERS.is_file():
    check_table(MEMBERS)
    item, *views = table_definitions(MEMBERS)
    globals().update({each.name: each for each in views})
