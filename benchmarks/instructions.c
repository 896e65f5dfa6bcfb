/* A plugin for QEMU's user emulator: how many instructions calls of one function take, all that it calls included.
 *
 *   gcc -shared -fPIC -O2 instructions.c -o instructions.so
 *   qemu-aarch64 -plugin ./instructions.so,entry=ADDRESS,size=BYTES,out=FILE program
 *
 * FILE gets the number of calls and of instructions, then a line for every call that the function makes: the offset of
 * the instruction after it and the instructions that were executed until control came back there. What the function
 * executes itself has offset 0.
 *
 * Only part of QEMU's plugin interface, version 1, is declared here (docs/devel/tcg-plugins.rst of QEMU): Debian's
 * package of the emulator does not have the header. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef struct block block; /* struct qemu_plugin_tb */

EXPORT int qemu_plugin_version = 1;
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*done)(uint64_t, block *));
void qemu_plugin_register_vcpu_tb_exec_cb(block *b, void (*done)(unsigned, void *), int flags, void *data);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*done)(uint64_t, void *), void *data);
size_t qemu_plugin_tb_n_insns(const block *b);
uint64_t qemu_plugin_tb_vaddr(const block *b);
void *qemu_plugin_tb_get_insn(const block *b, size_t index);
uint64_t qemu_plugin_insn_vaddr(const void *insn);
size_t qemu_plugin_insn_size(const void *insn);

/* What is known of a translated block. */
typedef struct {
    uint64_t start, end, count;
} span;

enum { MOST = 1 << 16 };

static uint64_t entry, size, calls, total, sites[MOST];
static char path[4096];
static uint64_t caller; /* where the function will return to */
static uint64_t site;   /* offset of the instruction that control returns to, 0 in the function itself */
static uint64_t last;   /* the end of the block before */
static bool inside;

static void executed(unsigned cpu, void *data)
{
    const span *s = data;
    (void)cpu;
    if (!inside && s->start == entry) {
        inside = true;
        caller = last;
        site = 0;
        calls++;
    } else if (inside && s->start == caller) {
        inside = false;
    }
    if (inside) {
        const bool own = s->start - entry < size;
        const bool was_own = last - entry <= size;
        if (own) {
            site = 0;
        } else if (was_own && site == 0) {
            site = last - entry;
        }
        total += s->count;
        sites[site < MOST ? site : 0] += s->count;
    }
    last = s->end;
}

static void translated(uint64_t id, block *b)
{
    const size_t count = qemu_plugin_tb_n_insns(b);
    const void *final = qemu_plugin_tb_get_insn(b, count - 1);
    span *s = malloc(sizeof *s); /* lives as long as the block, that is, until the end */
    (void)id;
    s->start = qemu_plugin_tb_vaddr(b);
    s->end = qemu_plugin_insn_vaddr(final) + qemu_plugin_insn_size(final);
    s->count = count;
    qemu_plugin_register_vcpu_tb_exec_cb(b, executed, 0, s);
}

static void ended(uint64_t id, void *data)
{
    FILE *out = fopen(path, "w");
    (void)id;
    (void)data;
    if (out == NULL) {
        return;
    }
    fprintf(out, "%" PRIu64 " %" PRIu64 "\n", calls, total);
    for (uint64_t i = 0; i < MOST; i++) {
        if (sites[i] != 0) {
            fprintf(out, "%" PRIu64 " %" PRIu64 "\n", i, sites[i]);
        }
    }
    fclose(out);
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "entry=", 6) == 0) {
            entry = strtoull(argv[i] + 6, NULL, 0);
        } else if (strncmp(argv[i], "size=", 5) == 0) {
            size = strtoull(argv[i] + 5, NULL, 0);
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            snprintf(path, sizeof path, "%s", argv[i] + 4);
        }
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
