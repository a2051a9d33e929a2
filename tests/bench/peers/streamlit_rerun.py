"""What Streamlit's rerun of a script costs when a visitor chooses: CPU seconds of each, as JSON.

`GEOGRAPHY MART AREAS`, and filters as queries, a line each, on standard input. The browser's part is not counted, and
neither is the connection to it: Streamlit's own tester runs the script.
"""

import json
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs

from streamlit.testing.v1 import AppTest

SCRIPT = Path(__file__).resolve().parent / "streamlit_folium.py"


def main() -> None:
    app = AppTest.from_file(str(SCRIPT), default_timeout=300).run()
    print(json.dumps([rerun(app, parse_qs(line.strip())) for line in sys.stdin]))


def rerun(app: AppTest, query: dict[str, list[str]]) -> float:
    app.selectbox(key="type").select(query["type"][0])
    app.selectbox(key="status").select(query.get("status", [""])[0])
    app.select_slider(key="months").set_range(query["from"][0], query["to"][0])
    began = time.process_time()
    app.run()
    used = time.process_time() - began
    if app.exception:
        sys.exit(app.exception[0].message)
    return used


if __name__ == "__main__":
    main()
