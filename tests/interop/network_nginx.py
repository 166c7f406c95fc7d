"""nginx, in the ways it can serve an image, what it was asked, and a test case with it."""

import json
import subprocess

import archive
import harness
import network_case
from network_certificates import Authority
from network_hostile_servers import CuttingProxy
from network_servers import wait_for_port

NGINX = """
daemon off; master_process off; user root; pid {here}/nginx.pid; error_log {here}/nginx-error.log;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {here}/nginx-tmp; proxy_temp_path {here}/nginx-tmp; fastcgi_temp_path {here}/nginx-tmp;
    uwsgi_temp_path {here}/nginx-tmp; scgi_temp_path {here}/nginx-tmp;
    log_format seen escape=json '{{"method":"$request_method","path":"$request_uri","status":$status,'
        '"range":"$http_range","bytes":$body_bytes_sent,"authorization":"$http_authorization",'
        '"accept_encoding":"$http_accept_encoding","certificate":"$ssl_client_s_dn","port":$server_port}}';
    access_log {here}/nginx-access.log seen;
    default_type application/octet-stream;
    keepalive_timeout 5s;
    sendfile off;
    ssl_session_cache off;
    absolute_redirect off;
    {tls}
    server {{
        listen 127.0.0.1:80; listen [::1]:80; {listen_tls}
        root {folder};
        location /slow/ {{ alias {folder}/; limit_rate_after 256k; limit_rate {rate}; }}
        location /closed/ {{ deny all; }}
        location /members/ {{ alias {folder}/; auth_basic members; auth_basic_user_file {here}/members; }}
        location /chunked/ {{ alias {folder}/; ssi on; ssi_types application/octet-stream; }}
        location /broken/ {{ return 500; }}
        location /busy/ {{ alias {folder}/; if (!-f {here}/idle) {{ return 503; }} }}
        location /moved/301 {{ return 301 /image.bin; }}
        location /moved/302 {{ return 302 http://127.0.0.1/image.bin; }}
        location /moved/307 {{ return 307 /image.bin; }}
        location /moved/308 {{ return 308 /image.bin; }}
        location /moved/relative {{ return 302 ../image.bin; }}
        location /moved/to-https {{ return 302 https://127.0.0.1/image.bin; }}
        location /moved/to-http {{ return 302 http://127.0.0.1/image.bin; }}
    }}
    {more}
}}
"""
NGINX_TLS = "ssl_certificate {certificate}; ssl_certificate_key {key};"


class Nginx:
    """Serves the files of `folder` in the ways its configuration says: /image.bin plainly, /slow/image.bin slowly, ...
    `more` are more server blocks."""

    def __init__(self, workspace, folder, certificate=None, more="", rate="700k"):
        self.workspace = workspace
        here = workspace.directory
        (here / "nginx-tmp").mkdir(exist_ok=True)
        tls = NGINX_TLS.format(certificate=certificate.file, key=certificate.key_file) if certificate else ""
        listen_tls = "listen 127.0.0.1:443 ssl; listen [::1]:443 ssl;" if certificate else ""
        configuration = NGINX.format(here=here, folder=folder, tls=tls, listen_tls=listen_tls, more=more, rate=rate)
        file = workspace.write("nginx.conf", configuration.encode())
        program = archive.unpacked("nginx", harness.Settings.build / "servers") / "usr/sbin/nginx"
        self.program = workspace.start("nginx", [program, "-e", here / "nginx-error.log", "-c", file])
        wait_for_port(80)

    def member(self, user, password):
        """Who may read /members/."""
        hashed = subprocess.run(["openssl", "passwd", "-apr1", "-stdin"], input=password, text=True, capture_output=True,
                                check=True).stdout.strip()
        self.workspace.write("members", f"{user}:{hashed}\n".encode())

    def requests(self):
        """What was asked and how it was answered, those requests that are over."""
        file = self.workspace.directory / "nginx-access.log"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


class Case(network_case.Case):
    """One nginx for all tests of a class. `authority` and `issue` are for their certificates."""

    good = "http://127.0.0.1/image.bin"

    @classmethod
    def setUpClass(cls):
        cls.folder = network_case.Folder()
        cls.addClassCleanup(cls.folder.workspace.close)
        cls.authority = Authority(cls.folder.workspace.directory)
        cls.nginx = Nginx(cls.folder.workspace, cls.folder.path,
                          cls.authority.issue("server", "127.0.0.1", "127.0.0.3", "::1"), cls.more_servers())
        cls.nginx.member(network_case.USER, network_case.PASSWORD)

    @classmethod
    def more_servers(cls):
        return ""

    def setUp(self):
        super().setUp()
        self.seen_before = len(self.nginx.requests())

    def seen(self, **wanted):
        """What nginx was asked in this test."""
        return [request for request in self.nginx.requests()[self.seen_before:]
                if all(request[key] == value for key, value in wanted.items())]

    def wait_for_requests(self, count, **wanted):
        """nginx tells of a request when it is over, which may be behind its last byte."""
        return harness.wait_until(lambda: len(self.seen(**wanted)) >= count and self.seen(**wanted),
                                  f"{count} requests {wanted}")

    def start_proxy(self, cut, server_port=80, **how):
        proxy = CuttingProxy(server_port, cut, **how)
        self.addCleanup(proxy.close)
        return proxy
