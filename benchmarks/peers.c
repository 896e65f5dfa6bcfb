/* Hides instruction sets from libraries that ask the processor what it has (Linux on x86, where CPUID can fault):
 * `hide()` makes every later CPUID of this thread answer without AVX-512, AVX-VNNI and AMX. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012 /* arch_prctl(2) */

/* Features of leaf 7 by subleaf and register: Intel's Software Developer's Manual, volume 2, CPUID. */
#define LEAF_7_EBX (1U << 16 | 1U << 17 | 1U << 21 | 1U << 26 | 1U << 27 | 1U << 28 | 1U << 30 | 1U << 31)
#define LEAF_7_ECX (1U << 1 | 1U << 6 | 1U << 11 | 1U << 12 | 1U << 14)
#define LEAF_7_EDX (1U << 2 | 1U << 3 | 1U << 8 | 1U << 22 | 1U << 23 | 1U << 24 | 1U << 25)
#define LEAF_7_1_EAX (1U << 4 | 1U << 5 | 1U << 21 | 1U << 23)

static void answer(int signal_number, siginfo_t *about, void *context)
{
    greg_t *const registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *const at = (const uint8_t *)registers[REG_RIP];
    (void)about;
    if (at[0] != 0x0f || at[1] != 0xa2) { /* no CPUID: let it fault again, and end the program */
        signal(signal_number, SIG_DFL);
        return;
    }
    const uint32_t leaf = (uint32_t)registers[REG_RAX], subleaf = (uint32_t)registers[REG_RCX];
    uint32_t a, b, c, d;
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    __cpuid_count(leaf, subleaf, a, b, c, d);
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
    if (leaf == 7 && subleaf == 0) {
        b &= ~LEAF_7_EBX;
        c &= ~LEAF_7_ECX;
        d &= ~LEAF_7_EDX;
    }
    if (leaf == 7 && subleaf == 1) {
        a &= ~LEAF_7_1_EAX;
    }
    registers[REG_RAX] = a;
    registers[REG_RBX] = b;
    registers[REG_RCX] = c;
    registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
}

/* 0, or −1 where the system cannot. */
int hide(void)
{
    struct sigaction action = {0};
    action.sa_sigaction = answer;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    return sigaction(SIGSEGV, &action, 0) == 0 && syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0) == 0 ? 0 : -1;
}
