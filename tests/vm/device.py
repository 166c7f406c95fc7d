#!/usr/bin/env python3
"""Runs the agent on a BMC-side KCS and BT character device, with a real kernel and a real driver on the host's side.

One virtual machine is host and BMC: ipmi_si -> QEMU's KCS or BT device -> ipmi-bmc-extern -> a virtio-serial port ->
pseudo_host_device (CUSE, /dev/ipmi-kcs3 or /dev/ipmi-bt-host) -> bmc-agent. init-device.sh is what happens in it.
Needs qemu-system-x86_64, busybox-static, cpio, a Debian kernel unpacked with modules.dep and its vmlinux.
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
MODULES = ["virtio_pci", "virtio_console", "cuse", "ipmi_msghandler", "ipmi_devintf", "ipmi_si"]


def modules_of(kernel, version):
    """Paths of the modules in load order, dependencies first."""
    root = kernel / "lib/modules" / version
    needs = {}
    for line in (root / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
    built_in = (root / "modules.builtin").read_text().splitlines()
    order = []
    for name in MODULES:
        file = f"/{name}.ko".replace("-", "_")
        if any(path.replace("-", "_").endswith(file) for path in built_in):
            continue
        found = [path for path in needs if path.replace("-", "_").endswith(file)]
        if not found:
            sys.exit(f"no module {name} in {root}")
        order += [path for path in reversed(needs[found[0]])] + [found[0]]
    return [root / path for path in dict.fromkeys(order)]


def libraries_of(program):
    listed = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return {word for word in listed.split() if word.startswith("/")}


def build_initramfs(root, image, arguments):
    shutil.rmtree(root, ignore_errors=True)
    for directory in ("bin", "sbin", "dev", "proc", "sys", "tmp", "etc", "modules"):
        (root / directory).mkdir(parents=True)
    modules = modules_of(arguments.kernel, arguments.version)
    for module in modules:
        shutil.copy(module, root / "modules")
    (root / "modules.list").write_text("".join(f"{module.name}\n" for module in modules))
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    (root / "bin/sh").symlink_to("busybox")
    for program in (arguments.agent, arguments.ipmitool, arguments.pseudo_device):
        shutil.copy(program, root / "bin")
        for library in libraries_of(program):
            target = root / library[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)
    shutil.copy(HERE / "init-device.sh", root / "init")
    names = subprocess.run(["find", ".", "-print0"], cwd=root, check=True, capture_output=True).stdout
    archive = subprocess.run(["cpio", "--null", "-o", "-H", "newc", "--quiet"], cwd=root, input=names, check=True,
                             capture_output=True).stdout
    image.write_bytes(archive)


def run(interface, image, arguments):
    """True: every check in the machine passed."""
    console = arguments.work / f"console-{interface}.log"
    socket = arguments.work / f"{interface}.socket"
    socket.unlink(missing_ok=True)
    begun = time.monotonic()
    subprocess.run(
        ["timeout", "-k", "2", str(arguments.timeout), "qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi",
         "-cpu", "max", "-m", "384", "-nographic", "-no-reboot", "-nodefaults", "-serial", f"file:{console}",
         "-kernel", arguments.kernel / f"vmlinux-{arguments.version}", "-initrd", image,
         "-append", f"console=ttyS0 panic=-1 quiet interface={interface}",
         "-chardev", f"socket,id=ipmi0,path={socket},server=on,wait=off",
         "-chardev", f"socket,id=port0,path={socket},reconnect=1",
         "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=port0,name=host",
         "-device", "ipmi-bmc-extern,chardev=ipmi0,id=bmc0", "-device", f"isa-ipmi-{interface},bmc=bmc0"],
        stdin=subprocess.DEVNULL, check=False)
    text = console.read_text(errors="replace").replace("\r", "")
    passed = "\nRESULT ok\n" in text
    print(text if not passed or arguments.verbose else
          "\n".join(line for line in text.splitlines() if line.startswith(("PASS", "RESULT"))))
    print(f"== {interface}: {'passed' if passed else 'failed'}, {time.monotonic() - begun:.1f} s", flush=True)
    return passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    path = pathlib.Path
    parser.add_argument("--kernel", type=path, required=True, help="the unpacked kernel package")
    parser.add_argument("--version", required=True, help="the kernel's version, such as 6.1.0-56-amd64")
    parser.add_argument("--agent", type=path, required=True)
    parser.add_argument("--ipmitool", type=path, required=True)
    parser.add_argument("--pseudo-device", type=path, required=True)
    parser.add_argument("--work", type=path, required=True, help="a directory for the run's files")
    parser.add_argument("--timeout", type=int, default=200, help="seconds for each virtual machine")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("interfaces", nargs="*", default=["kcs", "bt"])
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    image = arguments.work / "device.cpio"
    build_initramfs(arguments.work / "root", image, arguments)
    results = [run(interface, image, arguments) for interface in arguments.interfaces]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
