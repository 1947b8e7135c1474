/** A key of a person. Its id stands in the log beside what it encrypts; it says nothing of the person to who lacks the store. */
export interface SubjectKey {
  /** 16 bytes in base64url. */
  readonly id: string
  /** 32 bytes. */
  readonly secret: Uint8Array
}

/** Keeps a key for each person, apart from the log. Calls are synchronous: what they answer is as of now, in every process. */
export interface KeyStore {
  /** The key of a person, made where there is none. Never one that was erased. Errors: KeyStoreError. */
  keyOf(subject: string): SubjectKey
  /** The key of a person, null where there is none. Errors: KeyStoreError. */
  existingKeyOf(subject: string): SubjectKey | null
  /** By its id; `erased` where it was destroyed, null where this store never had it. Errors: KeyStoreError. */
  find(id: string): SubjectKey | 'erased' | null
  /**
   * Destroys every key of a person, for good: also what an earlier call left halfway. Gives the ids of all that were ever destroyed of
   * theirs; none where nothing was ever encrypted for them. Errors: KeyStoreError.
   */
  erase(subject: string): readonly string[]
}
