/** The one spelling under which an address is stored and looked up. */
export const canonicalEmail = (email: string): string => email.trim().normalize('NFC').toLowerCase();
