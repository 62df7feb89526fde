"""Every link of the HTML reference leads somewhere: python3 links.py FOLDER

Looks at links, pictures and scripts of all pages, and at the entries of the navigation. Links to other sites are
counted, not followed.

SPDX-License-Identifier: MIT
"""
import html.parser
import pathlib
import re
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.anchors, self.words = [], set(), 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)

    def handle_data(self, data):
        self.words += len(data.split())


def main():
    folder = pathlib.Path(sys.argv[1])
    pages = {path.name: Page(path.read_text(encoding="utf-8")) for path in folder.glob("*.html")}
    dead, outside, inside = [], 0, 0
    for name, page in pages.items():
        for link in page.links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme == "javascript":
                continue
            if parts.scheme or link.startswith("//"):
                outside += 1
                if parts.scheme not in ("http", "https"):
                    dead.append(f"{name}: {link}")
                continue
            inside += 1
            target, anchor = urllib.parse.unquote(parts.path) or name, urllib.parse.unquote(parts.fragment)
            if not (folder / target).is_file():
                dead.append(f"{name}: {link}: no such file")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                dead.append(f"{name}: {link}: no such place in it")
    for script in folder.glob("navtree*.js"):
        for target, anchor in re.findall(r'"([\w.-]+\.html)(?:#(\w+))?"', script.read_text(encoding="utf-8")):
            inside += 1
            if target not in pages or (anchor and anchor not in pages[target].anchors):
                dead.append(f"{script.name}: {target}#{anchor}")
    for problem in sorted(set(dead)):
        print(f"dead link: {problem}")
    if "index.html" not in pages or pages["index.html"].words < 500:
        dead.append("index.html")
        print("index.html does not hold the README")
    print(f"{len(pages)} pages, {inside} links inside, {outside} outside, {len(set(dead))} dead")
    return 1 if dead else 0


sys.exit(main())
