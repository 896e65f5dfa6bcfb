/* Registers of the system control space that this platform uses (Armv6-M, Armv7-M and Armv8-M reference manuals). */
#ifndef EQ_REGISTERS_H
#define EQ_REGISTERS_H

#include <stdint.h>

#define EQ_REGISTER(address) (*(volatile uint32_t *)(address))

#define DWT_CTRL EQ_REGISTER(0xE0001000u)
#define DWT_CYCCNT EQ_REGISTER(0xE0001004u)
#define SYST_CSR EQ_REGISTER(0xE000E010u)
#define SYST_RVR EQ_REGISTER(0xE000E014u)
#define SYST_CVR EQ_REGISTER(0xE000E018u)
#define NVIC_ICER(n) EQ_REGISTER(0xE000E180u + 4u * (n))
#define SCB_ICSR EQ_REGISTER(0xE000ED04u)
#define SCB_VTOR EQ_REGISTER(0xE000ED08u)
#define SCB_AIRCR EQ_REGISTER(0xE000ED0Cu)
#define SCB_CCR EQ_REGISTER(0xE000ED14u)
#define SCB_CFSR EQ_REGISTER(0xE000ED28u)
#define SCB_HFSR EQ_REGISTER(0xE000ED2Cu)
#define SCB_MMFAR EQ_REGISTER(0xE000ED34u)
#define SCB_BFAR EQ_REGISTER(0xE000ED38u)
#define MPU_TYPE EQ_REGISTER(0xE000ED90u)
#define MPU_CTRL EQ_REGISTER(0xE000ED94u)
#define MPU_RBAR EQ_REGISTER(0xE000ED9Cu) /* of Armv6-M and Armv7-M */
#define MPU_RASR EQ_REGISTER(0xE000EDA0u) /* of Armv6-M and Armv7-M */
#define SCB_CCSIDR EQ_REGISTER(0xE000ED80u)
#define SCB_CSSELR EQ_REGISTER(0xE000ED84u)
#define SCB_CPACR EQ_REGISTER(0xE000ED88u)
#define SCB_DEMCR EQ_REGISTER(0xE000EDFCu)
#define SCB_ICIALLU EQ_REGISTER(0xE000EF50u)
#define SCB_DCCMVAU EQ_REGISTER(0xE000EF64u)
#define SCB_DCISW EQ_REGISTER(0xE000EF60u)

#define FPU_FPCCR 0xE000EF34

#define DWT_CTRL_CYCCNTENA (1u << 0)
#define SYST_CSR_ENABLE (1u << 0)
#define SYST_CSR_TICKINT (1u << 1)
#define SYST_CSR_CORE_CLOCK (1u << 2)
#define SCB_ICSR_PENDSTSET (1u << 26)
#define SCB_AIRCR_RESET (0x05FAu << 16 | 1u << 2)
#define SCB_CCR_UNALIGN_TRP (1u << 3)
#define SCB_CCR_DC (1u << 16)
#define SCB_CCR_IC (1u << 17)
#define MPU_TYPE_REGIONS (0xFFu << 8)
#define MPU_CTRL_ENABLE (1u << 0)
#define MPU_CTRL_DEFAULT_MAP (1u << 2)
#define MPU_RBAR_REGION_0 (1u << 4)
#define MPU_RASR_NO_ACCESS_1_KB (1u << 28 | 9u << 1 | 1u << 0)
#define SCB_CPACR_FPU (0xFu << 20)
#define SCB_DEMCR_TRCENA (1u << 24)

#endif
