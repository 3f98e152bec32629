"""A Wi-Fi that is there, for the clients that join one themselves."""

STA_IF = 0
STAT_CONNECTING = 1


class WLAN:
    def __init__(self, interface):
        pass

    def active(self, on=True):
        return True

    def connect(self, *credentials):
        pass

    def disconnect(self):
        pass

    def isconnected(self):
        return True

    def status(self):
        return 3
