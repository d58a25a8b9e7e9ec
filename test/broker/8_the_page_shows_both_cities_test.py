"""The example page, served by the broker itself, in a real browser: last values at once, then the
stream, with name, position and unit. Pictures of it are left in build/."""
import unittest

import harness
import readings
import webdriver

ROWS = """
return [...document.querySelectorAll("section.city tbody tr")].map((row) => ({
    city: row.closest("section").dataset.city,
    asset: row.dataset.asset,
    name: row.querySelector(".station strong").textContent,
    position: row.querySelector(".position").textContent,
    cells: Object.fromEntries([...row.querySelectorAll("td[data-label]")].map(
        (cell) => [cell.dataset.label, cell.textContent])),
    observed: row.querySelector("time").dateTime,
}));
"""


@unittest.skipUnless(webdriver.is_there(), "chromium and chromedriver are not installed")
@unittest.skipUnless((harness.ROOT / "build/web/mqtt.min.js").exists(), "MQTT.js is not there")
@unittest.skipIf(harness.mosquitto_version() >= (2, 1), "Debian's Mosquitto 2.1 serves no page")
class ThePageShowsBothCities(harness.DemoTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.publish("birmingham", "BMLD", readings.birmingham())
        cls.publish("ulsan", "sinjeong-dong", readings.ulsan(no2Value="0.022", so2Value="-"))
        try:
            cls.browser = webdriver.Browser(1400, 900)
        except BaseException:
            cls.demo.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        super().tearDownClass()

    @classmethod
    def publish(cls, city, asset, payload):
        with cls.demo.client(city, "sensor") as sensor:
            reason = sensor.publish(f"nexus/{city}/air/{asset}/observation",
                                    readings.encode(payload), retain=True)
        assert reason < 0x80, f"refused: 0x{reason:02x}"

    def open(self, city, wanted=2):
        """The rows by asset, once `wanted` of them are there."""
        self.browser.open(self.demo.env[f"{city.upper()}_WS"].replace("ws:", "http:") + "/")
        return self.rows(lambda rows: len(rows) >= wanted)

    def rows(self, condition):
        def ready():
            rows = {row["asset"]: row for row in self.browser.script(ROWS)}
            return rows if condition(rows) else None

        try:
            return harness.wait_until(ready, "the rows of the page", 20)
        except AssertionError:
            said = self.browser.script("return document.body.innerText;")
            raise AssertionError(f"the page says: {said}; {self.browser.console()}") from None

    def test_at_birmingham_both_cities_are_read_in_micrograms(self):
        rows = self.open("birmingham")
        home, away = rows["BMLD"], rows["sinjeong-dong"]
        self.assertEqual((home["city"], away["city"]), ("birmingham", "ulsan"))
        self.assertEqual(home["name"], "Birmingham Ladywood")
        self.assertEqual(away["name"], "신정동")
        self.assertEqual(away["position"], "35.5347° N, 129.3078° E")
        self.assertEqual(home["cells"]["NO₂"], "42.1µg/m³")
        self.assertEqual(away["cells"]["NO₂"], "42.1µg/m³")
        self.assertEqual(home["observed"], "2026-02-01T01:00:00.000Z")

    def test_at_ulsan_both_cities_are_read_in_ppm(self):
        rows = self.open("ulsan")
        self.assertEqual(rows["BMLD"]["cells"]["NO₂"], "0.022ppm")
        self.assertEqual(rows["sinjeong-dong"]["cells"]["NO₂"], "0.022ppm")
        self.assertEqual(rows["BMLD"]["observed"], "2026-02-01T01:00:00.000Z")

    def test_what_is_missing_is_a_dash(self):
        rows = self.open("ulsan")
        self.assertTrue(rows["sinjeong-dong"]["cells"]["SO₂"].startswith("–"))

    def test_a_new_reading_changes_the_row(self):
        self.open("birmingham")
        self.publish("ulsan", "sinjeong-dong", readings.ulsan(no2Value="0.031"))
        self.rows(lambda rows: rows["sinjeong-dong"]["cells"]["NO₂"] == "59.3µg/m³")
        self.publish("ulsan", "sinjeong-dong", readings.ulsan(no2Value="0.022", so2Value="-"))
        self.rows(lambda rows: rows["sinjeong-dong"]["cells"]["NO₂"] == "42.1µg/m³")

    def test_a_name_that_holds_markup_is_shown_as_text(self):
        payload = readings.ulsan()
        payload["stationName"] = "<img src=x onerror=alert(1)>"
        self.publish("ulsan", "samsan-dong", payload)
        rows = self.open("ulsan", wanted=3)
        self.assertEqual(rows["samsan-dong"]["name"], payload["stationName"])
        self.assertEqual(self.browser.script("return document.images.length;"), 0)

    def test_its_pictures_are_taken_on_a_desktop_and_a_phone_in_light_and_dark(self):
        build = harness.ROOT / "build"
        self.open("birmingham")
        self.browser.screenshot(build / "page-desktop.png")
        self.browser.emulate_dark()
        self.browser.emulate_phone()
        self.open("ulsan")
        self.browser.screenshot(build / "page-phone-dark.png")
        wide = self.browser.script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth;")
        self.assertLessEqual(wide, 0, "a phone must not scroll sideways")


if __name__ == "__main__":
    harness.main()
