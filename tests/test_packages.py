"""The shape of the tree itself."""

from pathlib import Path

import sampan


def test_every_folder_of_modules_is_a_package():
    """Import contracts, and most tools, do not look into any other."""
    root = Path(sampan.__file__).parent
    folders = {module.parent for module in root.rglob("*.py")}
    assert [each for each in folders if not (each / "__init__.py").exists()] == []
