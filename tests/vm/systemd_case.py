"""What tests of machines with the distribution's systemd ask it: units and their states, and the journal."""

import rig


class SystemdCase(rig.Case):
    """`self.vm` is the machine."""

    vm = None

    def systemctl(self, *words, status=0):
        return self.ok(self.vm.run(f"systemctl {' '.join(words)}"), status).text

    def states(self, *units):
        """active, activating, inactive, failed."""
        return self.vm.run(f"systemctl is-active {' '.join(units)}").text.split()

    def journal(self, *units):
        """The lines that these units' programs have said since the last time that the same units were asked for."""
        cursor = f"/run/{'-'.join(units)}.cursor"
        matches = " ".join(f"_SYSTEMD_UNIT={unit}" for unit in units)
        done = self.vm.run(f"journalctl --sync; journalctl -q -o cat --cursor-file={cursor} {matches}")
        return self.ok(done).text.splitlines()

    def exists(self, *files):
        """All of them."""
        return self.vm.run(" && ".join(f"test -e {file}" for file in files)).status == 0
