/* What the processor has that runs the program: only for operating systems, and only for models that were built for
 * several instruction sets. x86 is asked itself, and whether the system keeps the registers; of Arm Linux tells.
 *
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A, CPUID, and volume 1, 13.2 and 13.3;
 * Linux, Documentation/arch/arm64/elf_hwcaps.rst. */
#ifndef EQ_PROCESSOR_H
#define EQ_PROCESSOR_H

#include <stdint.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

/* A register of leaf 7: 1 is EBX, 2 is ECX of subleaf 0, 3 is EAX of subleaf 1; 0 where there is none. */
static inline uint32_t eq_cpuid_7(int which)
{
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (!__get_cpuid_count(7, which == 3 ? 1 : 0, &eax, &ebx, &ecx, &edx)) {
        return 0;
    }
    return which == 1 ? ebx : which == 2 ? ecx : eax;
}

/* Whether the system keeps these parts of the registers, as XCR0 tells: 6 the vectors of AVX, 0xe6 those of AVX-512. */
static inline int eq_system_keeps(uint32_t parts)
{
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & (1u << 27))) {
        return 0;
    }
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    (void)high;
    return (low & parts) == parts;
}

static inline int eq_has_fma(void)
{
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & (1u << 12)) != 0;
}

/* AVX2 and FMA, which the kernels use together. */
static inline int eq_has_avx2(void)
{
    return eq_system_keeps(0x6) && eq_has_fma() && (eq_cpuid_7(1) & (1u << 5)) != 0;
}

static inline int eq_has_avx_vnni(void)
{
    return eq_has_avx2() && (eq_cpuid_7(3) & (1u << 4)) != 0;
}

/* AVX512F, AVX512BW, AVX512VL and AVX512_VNNI. */
static inline int eq_has_avx512_vnni(void)
{
    const uint32_t wanted = (1u << 16) | (1u << 30) | (1u << 31);
    return eq_has_avx2() && eq_system_keeps(0xe6) && (eq_cpuid_7(1) & wanted) == wanted &&
           (eq_cpuid_7(2) & (1u << 11)) != 0;
}

#elif defined(__aarch64__)
#include <sys/auxv.h>

/* HWCAP_ASIMD and HWCAP_ASIMDDP. */
static inline int eq_has_neon(void)
{
    return (getauxval(AT_HWCAP) & (1ul << 1)) != 0;
}

static inline int eq_has_dotprod(void)
{
    return eq_has_neon() && (getauxval(AT_HWCAP) & (1ul << 20)) != 0;
}
#endif

#endif
