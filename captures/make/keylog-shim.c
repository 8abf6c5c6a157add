/* Lets a program with OpenSSL write its TLS secrets to $SSLKEYLOGFILE, where it has no way of its own to do so:
 *
 *     cc -shared -fPIC -o keylog-shim.so keylog-shim.c -ldl -lssl
 *     SSLKEYLOGFILE=secrets.keys LD_PRELOAD=$PWD/keylog-shim.so PROGRAM
 *
 * Every context that the program makes gets a callback; a line is appended by one write, so processes may share the file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void append(const SSL *ssl, const char *line)
{
    const char *path = getenv("SSLKEYLOGFILE");
    char text[512];
    int len = snprintf(text, sizeof text, "%s\n", line);
    int file = path && len < (int)sizeof text ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    (void)ssl;
    if (file < 0)
        return;
    if (write(file, text, len) != len)
        perror(path);
    close(file);
}

SSL_CTX *SSL_CTX_new(const SSL_METHOD *method)
{
    SSL_CTX *(*made_by_openssl)(const SSL_METHOD *) = dlsym(RTLD_NEXT, "SSL_CTX_new");
    SSL_CTX *context = made_by_openssl ? made_by_openssl(method) : NULL;

    if (context)
        SSL_CTX_set_keylog_callback(context, append);
    return context;
}
