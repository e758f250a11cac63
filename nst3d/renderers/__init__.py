"""compile_view: from frozen geometry and a camera to a linear operator. One file a kind of scene."""
