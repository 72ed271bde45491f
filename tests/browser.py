# SPDX-License-Identifier: MIT
"""A page of blink-serve in a real browser: typed, submitted, read, clicked.

    browser.py CHROMIUM URL FOLDER

prints TAP; pictures go into the folder.
"""
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

chromium, url, folder = sys.argv[1:]
TEXT = "England won in Paris.\nFrance & <b>England</b> lost to nobody."
done = 0


def ok(good, text, more=""):
    global done
    done += 1
    print(f"{'ok' if good else 'not ok'} {done} - {text}")
    if not good and more:
        print("# " + str(more).replace("\n", "\n# "))


def without_faults(page, text):
    results = Axe().run(page)
    ok(results.violations_count == 0, f"{text}: axe finds no fault",
       results.generate_report())


def look(page, name):
    page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def walk_through(page):
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    without_faults(page, "an empty page")
    page.fill("#text", TEXT)
    page.click("button[type=submit]")
    page.wait_for_selector(".text")
    ok("France & <b>England</b> lost to nobody." in page.inner_text(".text")
       .replace("1", "").replace("2", "").replace("3", "").replace("4", ""),
       "the whole text is shown", page.inner_text(".text"))
    ok(page.input_value("#text") == TEXT, "and stays in the form")
    marks = page.locator(".text .m")
    ok(marks.count() == 4, "its names are marked", marks.count())
    without_faults(page, "an answer")
    look(page, "answer")
    return said


def use_tools(page):
    off = page.locator(".text .m.off")
    page.fill("#from", "1")
    ok(off.count() > 0, "the slider hides", off.count())
    page.fill("#from", "0")
    ok(off.count() == 0, "and shows again", off.count())
    page.check("#unsure")
    ok(off.count() == 4, "nothing here is unsure", off.count())
    page.uncheck("#unsure")


def follow(page):
    page.click("#m1-1")
    ok(page.url.endswith("#r1-1"), "a number leads to its row", page.url)
    ok(page.locator("#r1-1:target").count() == 1, "which is marked")
    page.focus("#m1-2")
    page.keyboard.press("Enter")
    ok(page.url.endswith("#r1-2"), "by keyboard, too", page.url)
    page.click("summary:has-text('Entities')")
    ok(page.locator("header details[open] table").count() == 1,
       "the summary opens")


with sync_playwright() as play:
    browser = play.chromium.launch(executable_path=chromium,
                                   args=["--no-sandbox"])
    for name, how in {
        "light": {"color_scheme": "light"},
        "dark": {"color_scheme": "dark"},
        "phone": {"viewport": {"width": 400, "height": 800}},
    }.items():
        print(f"# {name}")
        context = browser.new_context(**how)
        page = context.new_page()
        said = walk_through(page)
        use_tools(page)
        follow(page)
        wide = page.evaluate("document.documentElement.scrollWidth"
                             " - document.documentElement.clientWidth")
        ok(wide <= 0, f"{name}: nothing to scroll sideways", wide)
        ok(not said, f"{name}: the browser finds nothing to complain of", said)
        look(page, name)
        context.close()
    # Saved, and opened as a file.
    page = browser.new_page()
    page.goto(url)
    page.fill("#text", TEXT)
    page.click("button[type=submit]")
    page.wait_for_selector(".text")
    with open(f"{folder}/saved.html", "w", encoding="utf-8") as file:
        file.write(page.content())
    page.goto(f"file://{folder}/saved.html")
    ok(page.locator(".text .m").count() == 4, "a saved page shows the same")
    # Without its script.
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{folder}/saved.html")
    ok(page.locator(".text .m").count() == 4, "and so without scripts")
    browser.close()
print(f"1..{done}")
